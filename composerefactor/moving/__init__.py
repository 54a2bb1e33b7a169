"""Moving the root files into a directory of their own, with every command that names them."""
