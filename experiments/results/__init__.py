"""From the run folders of the face-off to tables, claims and pages."""
