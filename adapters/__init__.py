"""The methods that come with vosbench: one folder per family, plugged in through ``vosbench.methods``."""
