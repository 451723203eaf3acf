"""Images: where they come from, the arrays made of them, balancing and augmentation."""
