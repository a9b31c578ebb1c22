"""What files say beside boxes: names of classes, sizes of images, labels and fields of images."""
