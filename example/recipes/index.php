<?php
// SPDX-License-Identifier: MIT
// An answer is the path that was asked for, or the sum of the numbers that were posted.
header("X-Worker: " . getmypid());
echo $_SERVER["REQUEST_METHOD"] == "POST" ? array_sum($_POST) : $_SERVER["REQUEST_URI"], "\n";
