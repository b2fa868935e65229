"""Names of Keras: the classes and functions that a saved model may name without asking for trouble.

Models in HDF5 and in the older JSON and YAML give class names without a module; Keras 3 gives the
module, too. What stands in neither table is somebody's own class.

Sources: the public interface of Keras 3.15 and of `tf.keras` 2.15.
"""

from __future__ import annotations

from typing import Final

CLASSES: Final = frozenset(
    {"AUC", "AWQConfig", "AWQDTypePolicy", "AbsMaxQuantizer", "Accuracy", "Activation",
     "ActivityRegularization", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax",
     "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D",
     "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "Add",
     "AdditiveAttention", "AlphaDropout", "AtrousConvolution1D", "AtrousConvolution2D",
     "Attention", "AugMix", "AutoContrast", "Average", "AveragePooling1D", "AveragePooling2D",
     "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D", "BatchNormalization",
     "BatchNormalizationV1", "BatchNormalizationV2", "Bidirectional", "BinaryAccuracy",
     "BinaryCrossentropy", "BinaryFocalCrossentropy", "BinaryIoU", "CTC", "CategoricalAccuracy",
     "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
     "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "CategoryCrossing",
     "CategoryEncoding", "CenterCrop", "Circle", "ClassMethod", "Concatenate",
     "ConcordanceCorrelation", "Constant", "Constraint",
     "ContrastLimitedAdaptiveHistogramEqualization", "Conv1D", "Conv1DTranspose", "Conv2D",
     "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM1DCell", "ConvLSTM2D",
     "ConvLSTM2DCell", "ConvLSTM3D", "ConvLSTM3DCell", "Convolution1D", "Convolution1DTranspose",
     "Convolution2D", "Convolution2DTranspose", "Convolution3D", "Convolution3DTranspose",
     "CosineDecay", "CosineDecayRestarts", "CosineProximity", "CosineSimilarity",
     "CropToBoundingBox", "Cropping1D", "Cropping2D", "Cropping3D", "CuDNNGRU", "CuDNNLSTM",
     "CutMix", "DTypePolicy", "DTypePolicyMap", "Deconv2D", "Deconv3D", "Deconvolution2D",
     "Deconvolution3D", "Dense", "DenseFeatures", "DepthwiseConv1D", "DepthwiseConv2D", "Dice",
     "Discretization", "Dot", "Dropout", "ELU", "EinsumDense", "Embedding", "Equalization",
     "ExponentialDecay", "F1Score", "FBetaScore", "FalseNegatives", "FalsePositives", "Flatten",
     "Float8QuantizationConfig", "FloatDTypePolicy", "Ftrl", "Functional", "GPTQConfig",
     "GPTQDTypePolicy", "GRU", "GRUCell", "GRUV2", "GaussianDropout", "GaussianNoise",
     "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D",
     "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D", "GlobalMaxPool1D",
     "GlobalMaxPool2D", "GlobalMaxPool3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
     "GlobalMaxPooling3D", "GlorotNormal", "GlorotNormalV2", "GlorotUniform", "GlorotUniformV2",
     "GroupNormalization", "GroupQueryAttention", "HashedCrossing", "Hashing", "HeNormal",
     "HeNormalV2", "HeUniform", "HeUniformV2", "Hinge", "Huber", "Identity",
     "IdentityInitializer", "Initializer", "InputLayer", "InputSpec", "InstanceMethod",
     "InstanceProperty", "Int4DTypePolicy", "Int4QuantizationConfig", "Int8QuantizationConfig",
     "IntegerLookup", "InverseTimeDecay", "IoU", "KLDivergence", "KerasTensor", "L1", "L1L2",
     "L2", "LSTM", "LSTMCell", "LSTMV2", "Lamb", "Layer", "LayerNormalization", "LeakyReLU",
     "LearningRateSchedule", "LecunNormal", "LecunNormalV2", "LecunUniform", "LecunUniformV2",
     "LinearModel", "Lion", "LocallyConnected1D", "LocallyConnected2D", "LogCosh", "LogCoshError",
     "Loss", "LossFunctionWrapper", "LossScaleOptimizer", "MLCLSTM", "Masking", "MaxNorm",
     "MaxNumBoundingBoxes", "MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D",
     "MaxPooling3D", "Maximum", "MaxoutDense", "Mean", "MeanAbsoluteError",
     "MeanAbsolutePercentageError", "MeanIoU", "MeanMetricWrapper", "MeanRelativeError",
     "MeanSquaredError", "MeanSquaredLogarithmicError", "MeanTensor", "MelSpectrogram", "Metric",
     "MinMaxNorm", "Minimum", "MixUp", "Model", "MultiHeadAttention", "MultiOptimizer",
     "Multiply", "Muon", "Nadam", "NonNeg", "Normalization", "OneHotIoU", "OneHotMeanIoU", "Ones",
     "Optimizer", "OptimizerMap", "Orthogonal", "OrthogonalInitializer", "OrthogonalRegularizer",
     "PReLU", "PearsonCorrelation", "PeepholeLSTMCell", "Permute", "PiecewiseConstantDecay",
     "Pipeline", "Poisson", "Policy", "PolicyV1", "PolynomialDecay", "Precision",
     "PrecisionAtRecall", "QuantizationConfig", "QuantizedDTypePolicy",
     "QuantizedFloat8DTypePolicy", "Quantizer", "R2Score", "RMSNormalization", "RMSprop", "RNN",
     "RadialConstraint", "RaggedTensorSpec", "RandAugment", "RandomBrightness",
     "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop",
     "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomFourierFeatures",
     "RandomGaussianBlur", "RandomGrayscale", "RandomHeight", "RandomHue", "RandomInvert",
     "RandomNormal", "RandomNormalV2", "RandomPerspective", "RandomPosterization",
     "RandomRotation", "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation",
     "RandomUniform", "RandomUniformV2", "RandomWidth", "RandomZoom", "ReLU", "Recall",
     "RecallAtPrecision", "Regularizer", "RepeatVector", "Rescaling", "Reshape", "Resizing",
     "ReversibleEmbedding", "RootMeanSquaredError", "SGD", "STFT", "STFTInitializer",
     "STFTSpectrogram", "ScheduleFreeAdamW", "SeedGenerator", "SensitivityAtSpecificity",
     "SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D",
     "Sequential", "SimpleRNN", "SimpleRNNCell", "SlicingOpLambda", "Softmax", "Solarization",
     "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "SparseTensorSpec",
     "SparseTopKCategoricalAccuracy", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
     "SpecificityAtSensitivity", "SpectralNormalization", "SquaredHinge", "StackedRNNCells",
     "StringLookup", "Subtract", "Sum", "SumOverBatchSize", "SyncBatchNormalization",
     "TFOpLambda", "TensorFlowOpLayer", "TensorShape", "TensorSpec", "TextVectorization",
     "ThresholdedReLU", "TimeDistributed", "Tokenizer", "TopKCategoricalAccuracy",
     "TrueNegatives", "TruePositives", "TruncatedNormal", "TruncatedNormalV2", "Tversky",
     "UnitNorm", "UnitNormalization", "UpSampling1D", "UpSampling2D", "UpSampling3D",
     "VarianceScaling", "VarianceScalingV2", "WideDeepModel", "Wrapper", "ZeroPadding1D",
     "ZeroPadding2D", "ZeroPadding3D", "Zeros"}
)  # fmt: skip
"""Classes that only compute."""

FUNCTIONS: Final = frozenset(
    {"KLD", "MAE", "MAPE", "MSE", "MSLE", "acc", "accuracy", "bce", "binary_accuracy",
     "binary_crossentropy", "binary_focal_crossentropy", "categorical_accuracy",
     "categorical_crossentropy", "categorical_focal_crossentropy",
     "categorical_generalized_cross_entropy", "categorical_hinge", "celu", "circle",
     "concordance_correlation", "constant", "cosine", "cosine_proximity", "cosine_similarity",
     "crossentropy", "ctc", "dice", "elu", "exponential", "gelu", "glorot_normal",
     "glorot_uniform", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
     "hard_tanh", "he_normal", "he_uniform", "hinge", "huber", "huber_loss", "identity",
     "kl_divergence", "kld", "kullback_leibler_divergence", "l1", "l1_l2", "l2", "leaky_relu",
     "lecun_normal", "lecun_uniform", "linear", "log_cosh", "log_sigmoid", "log_softmax",
     "logcosh", "mae", "mape", "max_norm", "maxnorm", "mean_absolute_error",
     "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error",
     "min_max_norm", "mish", "mse", "msle", "non_neg", "nonneg", "ones", "orthogonal",
     "orthogonal_regularizer", "pearson_correlation", "poisson", "random_normal",
     "random_uniform", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax",
     "softplus", "softsign", "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
     "sparse_plus", "sparse_sigmoid", "sparse_top_k_categorical_accuracy", "sparsemax",
     "squared_hinge", "squareplus", "stft", "swish", "tanh", "tanh_shrink", "threshold",
     "top_k_categorical_accuracy", "truncated_normal", "tversky", "uniform", "unit_norm",
     "variance_scaling", "zeros"}
)  # fmt: skip
"""Functions that only compute."""

ADDONS: Final = frozenset(
    {"keras_core", "keras_cv", "keras_hub", "keras_nlp", "keras_rs", "keras_tuner",
     "tensorflow_addons", "tensorflow_hub", "tensorflow_model_optimization", "tensorflow_text",
     "transformers", "qkeras", "keras_contrib"}
)  # fmt: skip
"""Packages of layers for Keras."""

ROOTS: Final = frozenset({"keras", "tf_keras", "tensorflow", "tf"})
_WRAPPING: Final = frozenset(
    {"src", "api", "_v1", "_v2", "v2", "compat", "python", "keras", "_tf_keras", "tf_keras",
     "engine", "legacy", "preprocessing", "experimental"}
)  # fmt: skip
"""Parts of a module's path that say nothing about what is in it."""
_COMPUTING: Final = frozenset(
    {"activations", "constraints", "distillation", "dtype_policies", "feature_column", "functional",
     "initializers", "layers", "losses", "metrics", "mixed_precision", "models", "ops",
     "optimizers", "optimizer_v1", "optimizer_v2", "premade", "premade_models", "quantizers",
     "random", "regularizers", "sequential", "training", "base_layer", "input_layer", "text"}
)  # fmt: skip
"""Parts of Keras whose classes a model is made of."""
_CALLABLE: Final = frozenset(
    {"activations", "constraints", "initializers", "losses", "metrics", "ops", "random",
     "regularizers"}
)  # fmt: skip
"""Parts of Keras whose functions a model is made of."""
_FORBIDDEN_PARTS: Final = frozenset(
    {"backend", "config", "export", "io_utils", "python_utils", "saving", "utils", "callbacks",
     "datasets", "tf_data_layer"}
)  # fmt: skip
_TORCH_OPTIMIZERS: Final = ["backend", "torch", "optimizers"]
"""Where the classes of optimizers are from when Keras runs on torch: models name them so."""


def part_of_keras(module: str) -> bool:
    """True for a module of Keras itself, whatever is in it."""
    parts = module.split(".")
    return parts[0] in {"keras", "tf_keras"} or (parts[0] in ROOTS and "keras" in parts[1:4])


def computes(module: str, *, function: bool) -> bool:
    """True for a module of Keras that holds what models are made of.

    Args:
        module: a module of Keras.
        function: whether a function is wanted from it, or a class.
    """
    parts = [part for part in module.split(".")[1:] if part not in _WRAPPING]
    if parts[:3] == _TORCH_OPTIMIZERS:
        return not function
    if not _FORBIDDEN_PARTS.isdisjoint(parts):
        return False
    if not parts:  # `keras` itself exports the classes that all models share
        return not function
    return parts[0] in (_CALLABLE if function else _COMPUTING)
