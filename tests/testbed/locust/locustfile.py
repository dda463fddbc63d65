"""The load of `load-test --load-from-elsewhere`: the same rise for both services.

    locust -f locustfile.py --headless --host http://127.0.0.1:PORT

Unlike the built-in generator Locust is a closed loop: a user waits for its answer, so that a full service gets fewer requests. The
figures that count are those that the services measure and `load-test` prints.
"""

import math
from urllib.request import urlopen

from locust import HttpUser, LoadTestShape, constant_throughput, task

# Requests per second of one user.
EACH = 1.0


class Alone(HttpUser):
    wait_time = constant_throughput(EACH)

    @task
    def visit(self):
        self.client.get("/alone")


class Floorcast(HttpUser):
    wait_time = constant_throughput(EACH)

    @task
    def visit(self):
        self.client.get("/floorcast")


class Rise(LoadTestShape):
    """As many users of either kind as the load of now wants; the service knows it, so that it is written down once."""

    def tick(self):
        with urlopen(f"{self.runner.environment.host}/rate", timeout=5) as answer:
            users = 2 * max(1, math.ceil(float(answer.read()) / EACH))
        return users, users
