"""What files of detections may have been misread as: signs of it, and what undoing it gives."""
