"""Files and directories on disk: counted, hashed, durable, renamed as a whole, held by one run."""
