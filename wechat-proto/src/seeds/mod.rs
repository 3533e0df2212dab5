//! Request and reply vectors of the 2016 notes.
