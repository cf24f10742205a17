"""One report object, and the forms in which a person or a pipeline reads it."""
