"""COCO: a document of images, categories and annotations, and a list of results."""
