"""A package comes to its destination: built in a stage beside it, continued after a stop, renamed as a whole."""
