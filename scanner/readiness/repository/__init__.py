"""Where bytes come from: a work tree, its git revision, the roles of its files, and the limits of reading."""
