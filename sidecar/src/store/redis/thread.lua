-- One of our roots.
return thread_row(arg(), arg()) or false
