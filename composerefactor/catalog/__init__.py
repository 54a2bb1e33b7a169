"""What is known about images, as data: images.yml, categories.yml, and the index made from both."""
