"""Pictures of how services hang together."""
