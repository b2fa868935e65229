"""TensorFlow: graphs, SavedModels, checkpoints, and what TensorFlow.js makes of them."""
