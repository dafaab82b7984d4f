"""What the states of a job's machine do, a module each. Every one of them can be repeated at any time."""
