"""The Keras dialect, on TensorFlow and on JAX."""
