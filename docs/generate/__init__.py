"""Pages of the site that are made from the installed refra while the site is built; nothing of them is kept in the repository."""
