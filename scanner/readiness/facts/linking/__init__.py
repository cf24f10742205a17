"""The program, linked: what names stand for, who calls whom, where the outside world comes in."""
