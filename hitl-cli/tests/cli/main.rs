//! `hitl` as scripts use it: a real process over a real file, judged by what it prints and by its
//! exit code. Nobody sits at a terminal here.

mod audit;
mod decide;
mod house;
mod list;
mod policy;
