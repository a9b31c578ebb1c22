"""PASCAL VOC: an XML file an image."""
