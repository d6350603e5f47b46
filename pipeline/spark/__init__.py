"""A cluster that speaks Spark Connect: tasks of ours run on its workers, their answers come back."""
