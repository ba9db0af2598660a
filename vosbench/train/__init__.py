"""Training of the bundled small models: recipes, clips, losses, the loop, and what is exported at the end."""
