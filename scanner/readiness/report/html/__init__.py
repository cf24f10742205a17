"""The report as one HTML file that needs nothing else: no network, no script to be read, no other file."""

from readiness.report.html.document import to_html

__all__ = ["to_html"]
