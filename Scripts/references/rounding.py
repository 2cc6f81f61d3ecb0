"""Numbers of a reference as they are written: nine digits, more than single precision holds."""


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value.item() if hasattr(value, "item") else value
