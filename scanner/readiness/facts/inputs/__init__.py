"""What comes in: requests, their types and limits, and the data that is ingested."""
