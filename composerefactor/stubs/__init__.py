"""Services that other files extend: what moves to them, and the stubs that stay."""
