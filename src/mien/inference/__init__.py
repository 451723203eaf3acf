"""Photos, videos, cameras and AU tables: finds faces, tracks them and reads their emotions, by ONNX Runtime."""
