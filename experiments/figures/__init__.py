"""What a person looks at: curves, strips of frames and videos."""
