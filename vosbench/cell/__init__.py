"""The process that runs cells: one method, loaded once, over one video after the other."""
