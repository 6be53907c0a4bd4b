-- What is known of one event.
return status(arg())
