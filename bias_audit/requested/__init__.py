"""Measures and checks that run when somebody names them: most cost further prompts."""
