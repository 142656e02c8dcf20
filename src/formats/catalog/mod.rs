//! Plan lists in: each public catalog format to our catalog model.
