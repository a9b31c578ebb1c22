"""YOLO: a text file an image, boxes in shares of it, and the data.yaml beside them."""
