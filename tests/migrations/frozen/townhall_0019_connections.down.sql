DROP TABLE IF EXISTS founder_connections;
