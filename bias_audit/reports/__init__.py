"""Shows an audit to people and to programs: pages, files, charts."""
