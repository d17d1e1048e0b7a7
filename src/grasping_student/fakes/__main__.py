"""``python -m grasping_student.fakes``: a UR5e and a 2F-85 on one loopback address.

Prints one line of JSON with the ports when everything listens, then serves until its standard input closes, so it
never outlives the program that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from grasping_student.fakes.control_port import ControlPort
from grasping_student.fakes.robotiq_server import FakeGripper, serve
from grasping_student.fakes.ur_controller import FakeController
from grasping_student.fakes.ur_servers import UrServers
from grasping_student.pipeline.configuration import with_values
from grasping_student.simulation.config import SimulationConfig


async def run(options: argparse.Namespace) -> None:
    """Serve the fakes until standard input closes."""
    arm, gripper = FakeController(options.speedup), FakeGripper(options.speedup)
    servers = UrServers(arm, options.host)
    await servers.start()
    gripper_server = await serve(gripper, options.host, options.gripper_port)
    control = ControlPort(servers, gripper)
    simulated = None
    if options.simulation is not None:
        from grasping_student.fakes.simulated_cell import SimulatedCell

        config = with_values(SimulationConfig(), json.loads(options.simulation), "--simulation")
        simulated = SimulatedCell(arm, gripper, config)
        control.actions.update(simulated.actions)
    port = await control.serve(options.host)
    gripper_port = gripper_server.sockets[0].getsockname()[1]
    print(json.dumps({"host": options.host, "control_port": port, "gripper_port": gripper_port}), flush=True)
    running = asyncio.create_task(servers.run())
    closed = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.wait([running, asyncio.ensure_future(closed)], return_when=asyncio.FIRST_COMPLETED)
    running.cancel()
    # Python 3.11 prints a trace for every connection that is still open when the loop ends.
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    if simulated is not None:
        simulated.close()


def main() -> None:
    """Parse and serve."""
    parser = argparse.ArgumentParser(prog="fakes", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="loopback address; the arm's three ports are fixed")
    parser.add_argument("--gripper-port", type=int, default=63352, help="0 takes a free one")
    parser.add_argument("--speedup", type=float, default=1.0, help="how much faster than real time the devices move")
    parser.add_argument("--simulation", help="JSON of the simulator's options: scenes behind the devices")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
