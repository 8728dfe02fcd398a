# What the application would add here is of no matter to which files are installed.
