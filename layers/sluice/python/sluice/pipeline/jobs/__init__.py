"""Pictures and videos: jobs that Step Functions runs."""
