"""What readers share: where to read, how to read it, lines, layouts, class names, image sizes."""
