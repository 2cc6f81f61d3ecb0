"""Tiny random models of every family, their values, and Hugging Face's word on them: see ../transformer.py."""
