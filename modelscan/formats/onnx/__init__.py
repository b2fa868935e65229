"""ONNX models: their graphs, functions, and the files that they refer to."""
