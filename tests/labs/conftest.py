def pytest_addoption(parser):
    parser.addoption("--every-repair", action="store_true", help="every half-fix and repair, on a real cluster too")
