use omnipack as _;
