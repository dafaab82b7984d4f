"""What limits and budgets mean, as pure arithmetic: no clock, no storage."""
