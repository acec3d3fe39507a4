"""The pages, a file each: a file of this folder that declares a ROUTER is served."""
