<?php
// GET /api/auth/me with PHP-FPM: the work that switchboard does, in the way
// that is fastest there.  ../README.md says what is the same and what is not.
declare(strict_types=1);

function answer(int $status, array $body): never
{
	http_response_code($status);
	header('Content-Type: application/json');
	$text = json_encode($body, JSON_UNESCAPED_SLASHES);
	header('Content-Length: ' . strlen($text));
	echo $text;
	exit;
}

function connect(string $name, string $synchronous): PDO
{
	$database = new PDO('sqlite:' . $_SERVER['BENCH_DATA'] . "/$name", null,
	    null, [PDO::ATTR_PERSISTENT => true, PDO::ATTR_TIMEOUT => 2,
	    PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
	$database->exec("PRAGMA synchronous = $synchronous");
	return $database;
}

function part(string $text): string
{
	return (string)base64_decode(strtr($text, '-_', '+/'), true);
}

function claims(string $header): array
{
	$parts = explode('.', preg_replace('/^Bearer /i', '', $header));
	if (count($parts) !== 3)
		return [];
	$head = json_decode(part($parts[0]), true);
	$sum = hash_hmac('sha256', "$parts[0].$parts[1]",
	    $_SERVER['BENCH_SECRET'], true);
	$claims = json_decode(part($parts[1]), true);
	if (($head['alg'] ?? '') !== 'HS256' ||
	    !hash_equals($sum, part($parts[2])) ||
	    ($claims['exp'] ?? 0) <= time() ||
	    ($claims['type'] ?? '') !== 'access')
		return [];
	return $claims;
}

function now(): int
{
	return (int)(microtime(true) * 1e6);
}

function moments(PDO $limits, string $key, int $now): array
{
	$find = $limits->prepare('SELECT times FROM limits WHERE key = ?');
	$find->execute([$key]);
	$since = $now - (int)$_SERVER['BENCH_WINDOW'] * 1000000;
	$row = $find->fetchColumn();
	$found = $row === false ? [] : array_filter(array_values(
	    unpack('P*', $row)), fn ($t) => $t > $since && $t <= $now);
	$find->closeCursor();
	return $found;
}

function refuse(): never
{
	answer(429, ['detail' => 'User rate limit exceeded']);
}

function count_request(string $user): void
{
	$limits = connect('limits.db', 'OFF');
	$key = "user:$user";
	$most = (int)$_SERVER['BENCH_LIMIT'];

	if (count(moments($limits, $key, now())) >= $most)
		refuse();
	$limits->exec('BEGIN IMMEDIATE');
	$now = now();
	$times = moments($limits, $key, $now);
	if (count($times) >= $most) {
		$limits->exec('ROLLBACK');
		refuse();
	}
	$times[] = $now;
	$put = $limits->prepare('INSERT INTO limits (key, times, expires_at) ' .
	    'VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE ' .
	    'SET times = excluded.times, expires_at = excluded.expires_at');
	$put->bindValue(1, $key);
	$put->bindValue(2, pack('P*', ...$times), PDO::PARAM_LOB);
	$put->bindValue(3, $now + (int)$_SERVER['BENCH_WINDOW'] * 1000000,
	    PDO::PARAM_INT);
	$put->execute();
	$limits->exec('COMMIT');
}

$claims = claims($_SERVER['HTTP_AUTHORIZATION'] ?? '');
$find = connect('switchboard.db', 'FULL')->prepare(
    'SELECT users.id, email, username, is_active, users.created_at ' .
    'FROM logins JOIN users ON users.id = logins.user_id ' .
    'WHERE logins.id = ? AND logins.user_id = ? AND logins.revoked_at IS NULL');
$find->execute([$claims['sid'] ?? '', $claims['sub'] ?? '']);
$user = $find->fetch(PDO::FETCH_ASSOC);
$find->closeCursor();
if ($user === false)
	answer(401, ['detail' => 'Could not validate credentials']);
if (!$user['is_active'])
	answer(400, ['detail' => 'Inactive user']);
count_request($user['id']);
$seconds = intdiv($user['created_at'], 1000000);
answer(200, ['is_active' => true, 'created_at' => sprintf('%s.%06dZ',
    gmdate('Y-m-d\TH:i:s', $seconds), $user['created_at'] % 1000000)] + $user);
