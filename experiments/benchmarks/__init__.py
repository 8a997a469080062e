"""What the speed program measures, one part of the system per file."""
