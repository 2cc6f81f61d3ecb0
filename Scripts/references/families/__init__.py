"""Tiny random models of every family, their values site by site, and Hugging Face's word on them: see ../transformer.py."""
