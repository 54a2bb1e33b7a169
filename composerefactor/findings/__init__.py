"""What is wrong or risky, as values: rules, findings, baselines."""
