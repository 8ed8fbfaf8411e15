"""The ONNX dialect: what is shipped and served."""
